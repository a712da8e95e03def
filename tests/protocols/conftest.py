"""Property tests judge properties, not how busy the machine is."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Beside seven other workers the first draw of a strategy has taken over a second. pytest's own time limit still holds.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("any machine")
