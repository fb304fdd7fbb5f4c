#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# az as the managed identity that sign-in.sh made, as on a machine that has it.
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

prints "{subscription}
systemAssignedIdentity
MSI" az login --identity --query '[0].[id, user.name, user.assignedIdentityInfo]' -o tsv
prints Bearer az account get-access-token --resource https://vault.azure.net --query tokenType -o tsv
prints westeurope az group show -n rg-identity --query location -o tsv
prints id-worker az identity list -g rg-identity --query '[].name' -o tsv
fails 1 AuthorizationFailed az group delete -n rg-identity --yes
fails 1 AuthorizationFailed az group create -n rg-other -l westeurope
prints '' az logout
finish
