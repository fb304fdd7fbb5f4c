// SPDX-License-Identifier: Apache-2.0
// custodisk disk inspect: what a disk file says about itself, without any key.
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "disk/sealed.h"

static int inspect(const char *path) {
	struct err err;
	_cleanup_(sealed_freep) struct sealed *s = NULL;
	if (sealed_load(path, &s, &err) < 0)
		return cli_fail(&cli_disk, &err);
	printf("file                 %s\n", path);
	printf("format               LUKS2, aes-xts-plain64, 512-bit volume key, 4096-byte sectors\n");
	printf("uuid                 %s\n", sealed_uuid(s));
	printf("data offset          %u bytes\n", SEALED_DATA_OFFSET);
	printf("data size            %llu bytes\n", (unsigned long long)sealed_data_size(s));
	size_t count;
	const struct sealed_token *tokens = sealed_tokens(s, &count);
	for (size_t i = 0; i < count; i++) {
		printf("token                slot %d, generation %lld%s\n", tokens[i].slot, (long long)tokens[i].generation,
			i == 0 ? "" : " (replaced by the one above)");
		printf("  key                %s\n", tokens[i].key_url);
		printf("  algorithm          %s\n", tokens[i].alg);
		printf("  wrapped key        %zu bytes\n", tokens[i].wrapped_len);
		printf("  encryption set     %s\n", tokens[i].disk_encryption_set);
	}
	if (count == 0)
		printf("token                none: no key opens this disk\n");
	return CLI_OK;
}

static int disk(int argc, char **argv) {
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	int opt;
	optind = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (opt == 'h')
			return cli_help(&cli_disk);
		return cli_bad_option(&cli_disk, opt, argv);
	}
	if (argc - optind != 2 || strcmp(argv[optind], "inspect") != 0)
		return cli_usage_error(&cli_disk, "expected 'inspect' and one file");
	return inspect(argv[optind + 1]);
}

const struct cli_command cli_disk = {
	.name = "disk",
	.arguments = "inspect FILE",
	.summary = "Show the header of a sealed disk and which key it is under, without any key.",
	.main = disk,
};
