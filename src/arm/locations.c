// SPDX-License-Identifier: Apache-2.0
#include "arm/locations.h"

#include "base/strv.h"

static const struct arm_location locations[] = {
	{"eastus", "East US", "United States", "US", "Virginia", "-79.8164", "37.3719", "westus", true},
	{"eastus2", "East US 2", "United States", "US", "Virginia", "-78.3889", "36.6681", "centralus", true},
	{"southcentralus", "South Central US", "United States", "US", "Texas", "-98.5", "29.4167", "northcentralus", true},
	{"westus2", "West US 2", "United States", "US", "Washington", "-119.852", "47.233", "westcentralus", true},
	{"westus3", "West US 3", "United States", "US", "Phoenix", "-112.074036", "33.448376", "eastus", true},
	{"australiaeast", "Australia East", "Australia", "Asia Pacific", "New South Wales", "151.2094", "-33.86", "australiasoutheast", true},
	{"southeastasia", "Southeast Asia", "Asia Pacific", "Asia Pacific", "Singapore", "103.833", "1.283", "eastasia", true},
	{"northeurope", "North Europe", "Europe", "Europe", "Ireland", "-6.2597", "53.3478", "westeurope", true},
	{"swedencentral", "Sweden Central", "Sweden", "Europe", "Gävle", "17.14127", "60.67488", "swedensouth", true},
	{"uksouth", "UK South", "United Kingdom", "Europe", "London", "-0.799", "50.941", "ukwest", true},
	{"westeurope", "West Europe", "Europe", "Europe", "Netherlands", "4.9", "52.3667", "northeurope", true},
	{"centralus", "Central US", "United States", "US", "Iowa", "-93.6208", "41.5908", "eastus2", true},
	{"southafricanorth", "South Africa North", "South Africa", "Africa", "Johannesburg", "28.21837", "-25.73134", "southafricawest", true},
	{"centralindia", "Central India", "India", "Asia Pacific", "Pune", "73.9197", "18.5822", "southindia", true},
	{"eastasia", "East Asia", "Asia Pacific", "Asia Pacific", "Hong Kong", "114.188", "22.267", "southeastasia", true},
	{"indonesiacentral", "Indonesia Central", "Indonesia", "Asia Pacific", "Jakarta", "106.816666", "-6.2", NULL, true},
	{"japaneast", "Japan East", "Japan", "Asia Pacific", "Tokyo, Saitama", "139.77", "35.68", "japanwest", true},
	{"japanwest", "Japan West", "Japan", "Asia Pacific", "Osaka", "135.5022", "34.6939", "japaneast", true},
	{"koreacentral", "Korea Central", "Korea", "Asia Pacific", "Seoul", "126.978", "37.5665", "koreasouth", true},
	{"malaysiawest", "Malaysia West", "Malaysia", "Asia Pacific", "Kuala Lumpur", "101.693207", "3.140853", NULL, true},
	{"newzealandnorth", "New Zealand North", "New Zealand", "Asia Pacific", "Auckland", "174.76349", "-36.84853", NULL, true},
	{"canadacentral", "Canada Central", "Canada", "Canada", "Toronto", "-79.383", "43.653", "canadaeast", true},
	{"austriaeast", "Austria East", "Austria", "Europe", "Vienna", "16.3730", "48.2092", NULL, true},
	{"belgiumcentral", "Belgium Central", "Belgium", "Europe", "Brussels", "4.3517", "50.8503", NULL, true},
	{"francecentral", "France Central", "France", "Europe", "Paris", "2.373", "46.3772", "francesouth", true},
	{"germanywestcentral", "Germany West Central", "Germany", "Europe", "Frankfurt", "8.682127", "50.110924", "germanynorth", true},
	{"italynorth", "Italy North", "Italy", "Europe", "Milan", "9.18109", "45.46888", NULL, true},
	{"norwayeast", "Norway East", "Norway", "Europe", "Norway", "10.752245", "59.913868", "norwaywest", true},
	{"polandcentral", "Poland Central", "Poland", "Europe", "Warsaw", "21.01666", "52.23334", NULL, true},
	{"spaincentral", "Spain Central", "Spain", "Europe", "Madrid", "3.4209", "40.4259", NULL, true},
	{"switzerlandnorth", "Switzerland North", "Switzerland", "Europe", "Zurich", "8.564572", "47.451542", "switzerlandwest", true},
	{"mexicocentral", "Mexico Central", "Mexico", "Mexico", "Querétaro State", "-100.389888", "20.588818", NULL, true},
	{"uaenorth", "UAE North", "UAE", "Middle East", "Dubai", "55.316666", "25.266666", "uaecentral", true},
	{"brazilsouth", "Brazil South", "Brazil", "South America", "Sao Paulo State", "-46.633", "-23.55", "southcentralus", true},
	{"chilecentral", "Chile Central", "Chile", "South America", "Santiago", "-70.673676", "-33.447487", NULL, true},
	{"israelcentral", "Israel Central", "Israel", "Middle East", "Israel", "33.4506633", "31.2655698", NULL, true},
	{"qatarcentral", "Qatar Central", "Qatar", "Middle East", "Doha", "51.439327", "25.551462", NULL, true},
	{"northcentralus", "North Central US", "United States", "US", "Illinois", "-87.6278", "41.8819", "southcentralus", false},
	{"westus", "West US", "United States", "US", "California", "-122.417", "37.783", "eastus", false},
	{"westcentralus", "West Central US", "United States", "US", "Wyoming", "-110.234", "40.89", "westus2", false},
	{"southafricawest", "South Africa West", "South Africa", "Africa", "Cape Town", "18.843266", "-34.075691", "southafricanorth", false},
	{"australiacentral", "Australia Central", "Australia", "Asia Pacific", "Canberra", "149.1244", "-35.3075", "australiacentral2", false},
	{"australiacentral2", "Australia Central 2", "Australia", "Asia Pacific", "Canberra", "149.1244", "-35.3075", "australiacentral", false},
	{"australiasoutheast", "Australia Southeast", "Australia", "Asia Pacific", "Victoria", "144.9631", "-37.8136", "australiaeast", false},
	{"jioindiacentral", "Jio India Central", "India", "Asia Pacific", "Nagpur", "79.08886", "21.146633", "jioindiawest", false},
	{"jioindiawest", "Jio India West", "India", "Asia Pacific", "Jamnagar", "70.05773", "22.470701", "jioindiacentral", false},
	{"koreasouth", "Korea South", "Korea", "Asia Pacific", "Busan", "129.0756", "35.1796", "koreacentral", false},
	{"southindia", "South India", "India", "Asia Pacific", "Chennai", "80.1636", "12.9822", "centralindia", false},
	{"westindia", "West India", "India", "Asia Pacific", "Mumbai", "72.868", "19.088", "southindia", false},
	{"canadaeast", "Canada East", "Canada", "Canada", "Quebec", "-71.217", "46.817", "canadacentral", false},
	{"francesouth", "France South", "France", "Europe", "Marseille", "2.1972", "43.8345", "francecentral", false},
	{"germanynorth", "Germany North", "Germany", "Europe", "Berlin", "8.806422", "53.073635", "germanywestcentral", false},
	{"norwaywest", "Norway West", "Norway", "Europe", "Norway", "5.733107", "58.969975", "norwayeast", false},
	{"swedensouth", "Sweden South", "Sweden", "Europe", "Malmö", "13.004", "55.605", "swedencentral", false},
	{"switzerlandwest", "Switzerland West", "Switzerland", "Europe", "Geneva", "6.143158", "46.204391", "switzerlandnorth", false},
	{"ukwest", "UK West", "United Kingdom", "Europe", "Cardiff", "-3.084", "53.427", "uksouth", false},
	{"uaecentral", "UAE Central", "UAE", "Middle East", "Abu Dhabi", "54.366669", "24.466667", "uaenorth", false},
	{"brazilsoutheast", "Brazil Southeast", "Brazil", "South America", "Rio", "-43.2075", "-22.90278", "brazilsouth", false},
};

const struct arm_location *arm_locations(size_t *count) {
	*count = ARRAY_SIZE(locations);
	return locations;
}

const struct arm_location *arm_location_find(const char *name) {
	for (size_t i = 0; i < ARRAY_SIZE(locations); i++)
		if (strv_eq_nocase(locations[i].name, name))
			return &locations[i];
	return NULL;
}
