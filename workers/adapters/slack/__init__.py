"""Slack: `SlackNotifier` posts letters to an incoming webhook."""

from workers.adapters.slack.notifier import SlackNotifier

__all__ = ["SlackNotifier"]
