"""One provider's business per folder; the path is the ps_type. What providers share stands beside the folders."""
