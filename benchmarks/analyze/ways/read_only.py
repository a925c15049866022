"""Only reading the columns that the job needs: no way can take less."""

import job
import queries

options = job.arguments(__doc__)
queries.connect(options).execute(queries.READ_ONLY).fetchall()
