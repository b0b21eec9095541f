"""The web studio: a page, and a bridge that carries its gRPC-Web calls to a Vico server."""
