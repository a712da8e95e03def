"""Sending the journal on: the box's side of hz/1.

`dialogue` decides what to send and what an answer means, without a network or a clock of its own; `mqtt` carries it.
"""
