"""How each real service answers a request: pure functions of what is on stage, the request and the moment."""
