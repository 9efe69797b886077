-- How each column is had from the export: «of» names what the exported table must have for that. Older tables have
-- fewer columns and the standard export has no resource; what is not there is null.

-- name: billing_account_id of billing_account_id
billing_account_id

-- name: service_id of service.id
service.id

-- name: service_description of service.description
service.description

-- name: sku_id of sku.id
sku.id

-- name: sku_description of sku.description
sku.description

-- name: usage_start_time of usage_start_time
usage_start_time

-- name: usage_end_time of usage_end_time
usage_end_time

-- name: project_id of project.id
project.id

-- name: project_name of project.name
project.name

-- name: project_number of project.number
project.number

-- name: location_location of location.location
location.location

-- name: location_country of location.country
location.country

-- name: location_region of location.region
location.region

-- name: location_zone of location.zone
location.zone

-- name: resource_name of resource.name
resource.name

-- name: resource_global_name of resource.global_name
resource.global_name

-- name: cost of cost
CAST(cost AS NUMERIC)

-- name: currency of currency
currency

-- name: currency_conversion_rate of currency_conversion_rate
CAST(currency_conversion_rate AS NUMERIC)

-- name: usage_amount of usage.amount
CAST(usage.amount AS NUMERIC)

-- name: usage_unit of usage.unit
usage.unit

-- name: usage_amount_in_pricing_units of usage.amount_in_pricing_units
CAST(usage.amount_in_pricing_units AS NUMERIC)

-- name: usage_pricing_unit of usage.pricing_unit
usage.pricing_unit

-- name: cost_type of cost_type
cost_type

-- name: credits_total of credits.amount
COALESCE((SELECT SUM(CAST(credit.amount AS NUMERIC)) FROM UNNEST(credits) AS credit), CAST(0 AS NUMERIC))

-- name: cost_at_list of cost_at_list
CAST(cost_at_list AS NUMERIC)

-- name: cost_at_effective_price_default of cost_at_effective_price_default
CAST(cost_at_effective_price_default AS NUMERIC)

-- name: cost_at_list_consumption_model of cost_at_list_consumption_model
CAST(cost_at_list_consumption_model AS NUMERIC)

-- name: invoice_month of invoice.month
invoice.month

-- name: invoice_publisher_type of invoice.publisher_type
invoice.publisher_type

-- name: transaction_type of transaction_type
transaction_type

-- name: seller_name of seller_name
seller_name

-- name: export_time of export_time
export_time

-- name: ingestion_date of export_time
{day}

-- name: labels_json of labels
TO_JSON_STRING(labels)

-- name: system_labels_json of system_labels
TO_JSON_STRING(system_labels)

-- name: project_labels_json of project.labels
TO_JSON_STRING(project.labels)

-- name: tags_json of tags
TO_JSON_STRING(tags)

-- name: credits_json of credits
TO_JSON_STRING(credits)

-- name: price_json of price
IF(price IS NULL, NULL, TO_JSON_STRING(price))

-- name: consumption_model_json of consumption_model
IF(consumption_model IS NULL, NULL, TO_JSON_STRING(consumption_model))

-- name: adjustment_info_json of adjustment_info
IF(adjustment_info IS NULL, NULL, TO_JSON_STRING(adjustment_info))
