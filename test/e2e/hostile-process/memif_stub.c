#include "peer.h"
const struct act memif_master_acts[]={{0,0}}, memif_slave_acts[]={{0,0}};
