"""Google Cloud: any of its REST APIs, read with a service account."""
