mock_provider "aws" {
  source = "../../mocks"
}

variables {
  boundary_arn = "arn:aws:iam::123456789012:policy/test-boundary"
  name         = "test"
  region       = "eu-central-1"
  zones        = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  log_key_arn  = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "no_two_subnets_overlap" {
  command = plan

  assert {
    condition     = length(distinct(concat([for s in aws_subnet.private : s.cidr_block], [for s in aws_subnet.public : s.cidr_block]))) == 6
    error_message = "Each zone has a private and a public subnet of its own."
  }

  assert {
    condition     = !anytrue([for s in aws_subnet.public : s.map_public_ip_on_launch == true])
    error_message = "Nothing gets a public address without asking."
  }
}

run "each_zone_has_its_own_way_out" {
  command = plan

  assert {
    condition     = length(aws_nat_gateway.this) == 3
    error_message = "The loss of a zone must not cut the others off."
  }
}

run "one_way_out_where_that_is_enough" {
  command = plan

  variables {
    single_nat = true
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1
    error_message = "single_nat makes one NAT gateway."
  }
}

run "a_small_network_is_refused" {
  command = plan

  variables {
    cidr = "10.40.0.0/20"
  }

  expect_failures = [var.cidr]
}

run "one_zone_is_refused" {
  command = plan

  variables {
    zones = ["eu-central-1a"]
  }

  expect_failures = [var.zones]
}
