"""What `Mirror` does with the commit queue, topic by topic: editing, and whatever else looks at the queue."""

from mirror.queue_api.editing import Edited, Editing
from mirror.queue_api.looking import Looking

__all__ = ["Edited", "Editing", "Looking"]
