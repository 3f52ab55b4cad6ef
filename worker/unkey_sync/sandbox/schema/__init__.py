"""The request schema of every operation:
a small language (`shapes`) and the declarations in it (`requests`).
"""
