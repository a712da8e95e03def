"""The hazardous-waste label of HJ 1276-2022: its fields, its layout, its QR payload, and the printer's bytes.

Drawing needs the extra `hazgate-protocols[label]` (Pillow, segno); `document` needs nothing. Deliberately not here:
printers, sockets, spooling.
"""
