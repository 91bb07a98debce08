"""The methods that are compared: one class for each library, one entry for each setting.

`catalogue` only names them, so that the driver and every environment can import it; the
other modules import the library they are about.
"""
