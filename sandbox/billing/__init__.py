"""A Cloud Billing export of an invented account, standard or detailed, as BigQuery holds it in a project of its own."""
