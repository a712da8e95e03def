"""The whole chain on one machine: broker, collector, box, core and simulated site as separate processes.

The parts are started by their commands only, as anybody would; nothing of edge or cloud is imported.
"""
