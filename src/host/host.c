// SPDX-License-Identifier: Apache-2.0
#include "host/host.h"

#include "base/log.h"
#include "base/strv.h"

char *host_disk_file(const struct host *h, const char *unique_id) {
	return strv_printf("%s/disks/%s.luks", h->data_dir, unique_id);
}

char *host_disk_run(const struct host *h, const char *unique_id, const char *suffix) {
	return strv_printf("%s/run/disks/%s%s", h->data_dir, unique_id, suffix);
}

char *host_machine_run(const struct host *h, const char *vm_id, const char *suffix) {
	return strv_printf("%s/run/machines/%s%s", h->data_dir, vm_id, suffix);
}

void host_complain(const char *what, const struct err *err) {
	log_error("%s: %s: %s", what, err->code, err->message);
}
