"""Flan (Longpre et al. 2023, arXiv:2301.13688): tasks in four styles, inverted, and mixed."""
