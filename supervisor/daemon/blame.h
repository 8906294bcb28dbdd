/* blame.h - which unit killed a cell.
 *
 * A cell that died with one unit in it was killed by that unit; the third time within an hour the unit is put
 * into quarantine. A cell with several has suspects, who do not share a cell again until ten minutes have passed
 * without a death: they are dealt to eight cells, and when one of those dies, its units to eight others. The
 * guilty one is alone after as many rounds as the number of units has digits to the base of 8; no innocent one
 * ever is in quarantine.
 *
 * blame_note - a guest of @s was lost with cell @h; once or many times for each.
 * blame_judge - the cell is gone, all its guests were noted. */
#pragma once

#include "supervisor/daemon/daemon.h"

void blame_note(struct suspects *suspects, struct hosted *h, struct service *s);
void blame_judge(struct suspects *suspects, struct daemon *d);
void blame_forget(struct suspects *suspects, struct service *s); /* which is about to be freed */
/* Before a start: the suspicion ends when it is old enough. */
void blame_expire(struct service *s);
