"""Takes pushes: stores what holds, answers with a receipt or with what it needs, keeps the rest in quarantine.

collector.py knows nothing of MQTT, so that a seeded world can drive it; mqtt.py is the only module that does.
"""
