"""All that can be wrong before the first night: one module for each concern.

Each has a function `check` that takes what it needs and yields findings.
"""
