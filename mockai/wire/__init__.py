"""What goes over the wire: errors, schemas, ids, pages, headers, server-sent events, JSON."""
