// What pages do without leaving.
