"""Reading any REST API."""
