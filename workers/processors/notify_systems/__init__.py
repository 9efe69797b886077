"""Steps that tell people: they only hand a notice to the outbox, and so never wait for a mail server."""
