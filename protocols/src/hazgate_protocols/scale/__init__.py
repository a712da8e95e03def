"""Scale frames: bytes in, readings or rejections out, driven by a profile.

Deliberately not here: serial ports, polling times, the stability window (edge), any code for one model.
"""
