"""Continued validation: does a month lie outside what this unit's earlier months lead one to expect?"""
