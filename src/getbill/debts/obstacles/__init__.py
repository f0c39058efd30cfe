"""Obstacles of a step: what it lacks to leave now, whatever the hour, each with its way out.

Pure, and the only place that knows them: the plan of a debt, its timeline and the last look before departure
all ask here, so that none of them promises what another refuses. No text is rendered: whether a message can
be written depends on a few facts of workspace, debt and step.
"""

from getbill.debts.obstacles.accounts import account_of
from getbill.debts.obstacles.means import MessageMeans, message_means, postal_lines
from getbill.debts.obstacles.model import (
    OBSTACLE_TEXTS,
    OBSTACLE_WAYS_OUT,
    Obstacle,
    is_obstacle,
    obstacles_of,
    writing_obstacles,
)
