"""Those who are measured, each in a process of its own: `python -m tests.bench.participants.NAME`."""
