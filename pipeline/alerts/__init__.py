"""Rules, CAP messages and their sending: an assessment of a product becomes at most one public message.

assessment = RULES[rule](dataset, areas, places, parameters=parameters)      rules/
refs = warn(store, assessment, context)                                      issue.py
"""
