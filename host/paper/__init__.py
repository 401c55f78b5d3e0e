"""Every transient-electroluminescence number of the paper, captured through the whole instrument and compared.

The paper is Zhang et al., Light: Science & Applications (2025), doi 10.1038/s41377-025-01959-y.
"""
