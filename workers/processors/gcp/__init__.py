"""Google Cloud: any of its REST APIs, read by the service account that an organisation stored."""
