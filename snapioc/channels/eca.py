"""Status codes of caerr.h that epicscorelibs does not name."""

ECA_NORMAL = 1
ECA_BADTYPE = 114
ECA_BADCOUNT = 176
ECA_STRTOBIG = 186
ECA_DISCONN = 192
ECA_NORDACCESS = 368
ECA_NOWTACCESS = 376
