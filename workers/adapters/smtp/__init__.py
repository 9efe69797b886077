"""Mail: `SmtpNotifier` hands letters in at a mail server."""

from workers.adapters.smtp.notifier import SmtpNotifier

__all__ = ["SmtpNotifier"]
