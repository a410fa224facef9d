"""Save and restore: what happens in which order, with locks, abort, progress and deadlines. Knows neither CA nor SQL."""
