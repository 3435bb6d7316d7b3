"""What Sluice remembers: rows, blobs and the audit log, fenced by the leader's epoch."""
