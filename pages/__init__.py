"""DRAW: one function per page; no sums, no SQL.

Page files live one folder down and are functions: importing them draws nothing, and Streamlit does not offer them by
address before the gate has let a viewer in.
"""
