"""State and features of what customers share: merchants, terminals, devices, networks."""
