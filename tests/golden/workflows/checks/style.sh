# Every migration ends as a statement does.
! grep -L ';$' migrations/*.sql | grep . && test "$TRACE" = 1
