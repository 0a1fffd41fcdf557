def contests(scale: float): return []
