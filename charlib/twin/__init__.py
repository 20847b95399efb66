"""The table twin: static curves of all samples at once, from device currents that ngspice tabulated."""
