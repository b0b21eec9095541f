"""google.rpc.error_details_pb2 of googleapis-common-protos if that is installed, else Vico's own copy."""
try:
    from google.rpc.error_details_pb2 import *  # noqa: F403
except ImportError:
    from vico._google.own.rpc.error_details_pb2 import *  # noqa: F403
