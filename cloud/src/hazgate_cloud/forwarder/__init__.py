"""Carries submissions from the outbox to the core and its answers back. core_client.py is the only HTTP client here."""
