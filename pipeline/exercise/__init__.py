"""Drills: a scripted past disaster, served by a loopback feed server and played through the real steps."""
