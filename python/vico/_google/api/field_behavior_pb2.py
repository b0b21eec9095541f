"""google.api.field_behavior_pb2 of googleapis-common-protos if that is installed, else Vico's own copy."""
try:
    from google.api.field_behavior_pb2 import *  # noqa: F403
except ImportError:
    from vico._google.own.api.field_behavior_pb2 import *  # noqa: F403
