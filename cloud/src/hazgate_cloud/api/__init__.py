"""HTTP for people and programs: trace, records, boxes, alarms, quarantine, health; pages drawn on the server.

Routes are thin; queries stand in queries.py, the way of a bag in domain/trace.py, sentences in sentences.py.
"""
