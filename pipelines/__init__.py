"""Sammenhold: holds what is received now side by side with what was typed before."""
