"""In which range must a number lie that somebody types on a command line or in a plan?"""

MAX_SNAP_RANGE_M = (1, 5000)
"""Of the farthest that a home or facility may be from a street."""
MOST_PROJECTS_RANGE = (1, 1000)
"""Of how many projects are listed at most."""
