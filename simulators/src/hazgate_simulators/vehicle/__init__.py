"""What stands beside a weighbridge: a lorry that drives over it, and the Modbus module with sensors and light.

The weight itself is the scale simulator's; the Modbus bytes are made and read here by hand.
"""
