"""The whole service over real processes: API, workers, broker, database, teacher."""
