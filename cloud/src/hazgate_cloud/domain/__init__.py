"""The collector's rules: what a push must be, when a weighing counts, how a submission is repeated, what a trace says.

Deliberately not here: databases, MQTT, HTTP, files, the time of day.
"""
